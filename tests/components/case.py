"""A case: a function that is told the world, under a sentence that says what holds."""

CASES = []


def case(sentence):
    def keep(function):
        CASES.append((function.__module__.rsplit(".", 1)[-1], sentence, function))
        return function
    return keep
