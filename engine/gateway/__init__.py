"""An agent's only way out: a forward proxy that reaches the declared hosts, and writes down what was asked."""
