"""What a scenario says when the world is not as promised."""


class Failed(Exception):
    """The scenario's promise does not hold; the text says what was expected and what was there."""


def require(condition, text):
    if not condition:
        raise Failed(text)
