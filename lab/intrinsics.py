"""CloudFormation's intrinsic functions, as far as templates of this kind use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{(!?[^}]+)\}")
NO_VALUE = object()


class StackError(ValueError):
    """A template that the lab cannot deploy; the message says what and where."""


def _is_call(key: str, argument: object) -> bool:
    """Whether a one-key mapping is a function; a `Condition` with content is one of a policy statement."""
    if key == "Condition":
        return isinstance(argument, str)
    return key == "Ref" or key.startswith("Fn::")


class Resolver:
    """Resolves Ref, GetAtt, Sub, If and the rest against parameters, conditions and resources."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        pseudo: Mapping[str, str],
        reference: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._declared: Mapping[str, Any] = template.get("Parameters", {})
        self._parameters = parameters
        self._pseudo = pseudo
        self._reference = reference
        self._attribute = attribute

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic function replaced; entries of AWS::NoValue are left out."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((key, argument),) = value.items()
                if _is_call(key, argument):
                    return self._call(key, argument)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def condition(self, name: str) -> bool:
        """Whether the condition of that name holds."""
        if name not in self._conditions:
            raise StackError(f"there is no condition {name}")
        return bool(self.resolve(self._conditions[name]))

    def _call(self, key: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: str(self.resolve(pair[0])) == str(self.resolve(pair[1])),
            "Fn::Not": lambda items: not self.resolve(items[0]),
            "Fn::And": lambda items: all(self.resolve(item) for item in items),
            "Fn::Or": lambda items: any(self.resolve(item) for item in items),
            "Fn::Join": lambda pair: pair[0].join(map(str, self.resolve(pair[1]))),
            "Fn::Select": lambda pair: self.resolve(pair[1])[int(self.resolve(pair[0]))],
            "Fn::Split": lambda pair: str(self.resolve(pair[1])).split(pair[0]),
            "Fn::FindInMap": self._find_in_map,
        }
        if key not in functions:
            raise StackError(f"the lab does not know {key}")
        return functions[key](argument)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name not in self._parameters:
            return self._reference(name)
        declared = self._declared.get(name, {}).get("Type")
        value = self._parameters[name]
        return value.split(",") if declared == "CommaDelimitedList" else value

    def _get_att(self, argument: Any) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(name, attribute)

    def _if(self, argument: Any) -> Any:
        name, when_true, when_false = argument
        return self.resolve(when_true if self.condition(name) else when_false)

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument
        return _REFERENCE.sub(lambda match: self._substituted(match[1], extra), text)

    def _substituted(self, name: str, extra: Mapping[str, Any]) -> str:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in extra:
            return str(self.resolve(extra[name]))
        return str(self._get_att(name) if "." in name else self._ref(name))

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (self.resolve(item) for item in argument)
        return self._mappings[name][first][second]
