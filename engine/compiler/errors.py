"""Errors of the compiler. They stand apart because a compiled module cannot subclass an exception."""


class TracingError(TypeError):
    """What was asked of a traced number needs its value, which is only known when the compiled code runs."""


class Untranslatable(ValueError):
    """A target lacks operations, or a kernel leaves the subset of Python that translators know."""


class Enclosed(Exception):
    """What is traced uses a variable of a transform around it, which differentiates on."""
