"""The pool: idle tasks that wait for another environment."""
