"""An attack: a function that is told the field and gives rows of the table."""

ATTACKS = []


def attack(function):
    ATTACKS.append((function.__module__.rsplit(".", 1)[-1], function))
    return function
