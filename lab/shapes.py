"""Are the lab's answers of the shape that botocore's service models give them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape


def problems(operation: OperationModel, answer: Mapping[str, Any]) -> list[str]:
    """Every way in which an answer departs from the output shape: members, types, enums."""
    shape = operation.output_shape
    if shape is None:
        return [f"{operation.name} answers nothing, not {answer}"] if answer else []
    return list(_check(shape, answer, operation.name))


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _check_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _check_list(shape, value, path)
    elif isinstance(shape, MapShape):
        if not isinstance(value, Mapping):
            yield f"{path}: a map, not {type(value).__name__}"
            return
        for key, item in value.items():
            yield from _check(shape.value, item, f"{path}.{key}")
    else:
        yield from _check_scalar(shape, value, path)


def _check_structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: a structure, not {type(value).__name__}"
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{path}.{name}: required, but missing"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{path}.{name}: no such member"
        elif item is not None:
            yield from _check(shape.members[name], item, f"{path}.{name}")


def _check_list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        yield f"{path}: a list, not {type(value).__name__}"
        return
    # Long lists of figures and times are all made in one place: the first speaks for the rest.
    items = value[:1] if shape.member.type_name in ("double", "timestamp") else value
    for index, item in enumerate(items):
        yield from _check(shape.member, item, f"{path}[{index}]")


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime,),
    "blob": (bytes,),
}


def _check_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kinds = _KINDS[shape.type_name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{path}: {shape.type_name}, not {type(value).__name__}"
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {', '.join(shape.enum)}"
