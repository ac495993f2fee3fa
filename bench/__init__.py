"""How fast it is; never part of the tests, for a busy machine would fail them."""
