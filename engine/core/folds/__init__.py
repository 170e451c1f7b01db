"""How each kind of fact changes the state: one small function each, no rule in any of them. See `evolve`."""
