"""Where ironlet's choice is meant to differ from upstream's, and why."""


def why(theirs, what, ours):
    """The reason of a difference, in words; none if there is none."""
    return None
