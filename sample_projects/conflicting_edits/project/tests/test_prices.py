from prices import total


def test_an_empty_basket_costs_nothing():
    assert total([]) == 0


def test_twice_as_many_cost_at_least_as_much():
    assert total([(250, 4)]) >= total([(250, 2)]) > 0
