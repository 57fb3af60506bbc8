"""The causes, one file each: a module here with a CAUSE is in the catalogue, there is no list to extend."""

import pkgutil
from functools import cache
from importlib import import_module

from diagnosis.cause import Cause


@cache
def causes() -> tuple[Cause, ...]:
    """Every cause, by code.

    Raises AttributeError naming the module when a file has no CAUSE.
    """
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.CAUSE for module in modules), key=lambda cause: cause.code))
