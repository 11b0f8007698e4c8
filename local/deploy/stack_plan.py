"""Checks a whole CloudFormation template before anything is created, and orders its resources."""

import difflib
import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from local.deploy.ignored_properties import is_ignored_type, without_ignored
from local.deploy.intrinsics import IntrinsicError, Reference, Scope, TemplateValue, named_condition, resolve
from local.deploy.resources import resource_type
from local.deploy.resources.resource_type import ResourceType, UnsupportedValueError
from local.deploy.transform import Package
from local.errors import UnsupportedTemplateError

_SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
# The local stack is never updated and ends with the process, so it retains and replaces nothing.
_ATTRIBUTES: Final = frozenset(
    {
        "Condition",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
_ADVICE: Final = (
    "support it in local/deploy/resources, or list it with a reason in local/deploy/ignored_properties.json"
)


@dataclass(frozen=True)
class Plan:
    """A checked template: its resources, each after the resources that it needs, and its outputs."""

    resources: Mapping[str, Mapping[str, TemplateValue]]
    outputs: Mapping[str, TemplateValue]


def plan_stack(template: Mapping[str, TemplateValue], scope: Scope, package: Package) -> Plan:
    """Return the plan of a stack. Raise one error that names every problem, those of the `package` first."""
    check = _Check(template, scope, package)
    problems = [*package.missing.values(), *check.sections(), *check.conditions()]
    if check.undecidable:
        raise UnsupportedTemplateError(problems)
    needs = {logical_id: set[str]() for logical_id in check.present}
    for logical_id in check.present:
        problems.extend(check.resource(logical_id, needs[logical_id]))
    problems.extend(check.outputs())
    order: list[str] = []
    try:
        # Sorted, because the order of a set of strings differs from process to process.
        graph = {name: sorted(needed) for name, needed in needs.items()}
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        problems.append(f"resources refer to each other in a circle: {' -> '.join(reversed(error.args[1]))}")
    if problems:
        raise UnsupportedTemplateError(problems)
    return Plan({logical_id: check.present[logical_id] for logical_id in order}, check.present_outputs)


class _Check:
    """The checks of a template; each method yields one line per problem."""

    def __init__(self, template: Mapping[str, TemplateValue], scope: Scope, package: Package) -> None:
        self._package = package
        self._template = template
        self._scope = scope
        self.present: dict[str, Mapping[str, TemplateValue]] = {}
        self.present_outputs: dict[str, TemplateValue] = {}
        self.undecidable = False

    def sections(self) -> Iterator[str]:
        for section in sorted(set(self._template) - _SECTIONS):
            yield f"template section {section}: not supported; supported are {', '.join(sorted(_SECTIONS))}"

    def conditions(self) -> Iterator[str]:
        """Evaluate the conditions that include or exclude resources and outputs."""
        for kept, section in ((self.present, "Resources"), (self.present_outputs, "Outputs")):
            for name, declared in self._template.get(section, {}).items():
                try:
                    if "Condition" not in declared or named_condition(declared["Condition"], self._scope):
                        kept[name] = declared
                except IntrinsicError as error:
                    self.undecidable = True
                    yield f"{name} Condition: {error}"

    def resource(self, logical_id: str, needed: set[str]) -> Iterator[str]:
        """Check one resource and record in `needed` the resources that must be created before it."""
        resource = self.present[logical_id]
        type_name = resource["Type"]
        label = f"{logical_id} ({type_name})"
        for attribute in sorted(set(resource) - _ATTRIBUTES):
            yield f"{label} {attribute}: this resource attribute is not supported"
        yield from (f"{label} DependsOn: {problem}" for problem in self._depends_on(resource, needed))
        known = resource_type(type_name)
        if known is None and not is_ignored_type(type_name):
            yield f"{label}: this resource type is not supported; {_ADVICE}"
        try:
            properties = resolve(resource.get("Properties", {}), self._recording(needed))
        except IntrinsicError as error:
            yield from (f"{label} {path}: {message}" for path, message in error.problems)
            return
        if known is not None:
            yield from (f"{label} {problem}" for problem in self._refused(logical_id, known, properties))

    def outputs(self) -> Iterator[str]:
        for name, output in self.present_outputs.items():
            try:
                resolve(output["Value"], self._recording(set()))
            except IntrinsicError as error:
                yield f"output {name}: {error}"

    def _refused(self, logical_id: str, known: ResourceType[Any], properties: Mapping[str, Any]) -> Iterator[str]:
        type_name = self.present[logical_id]["Type"]
        try:
            model = known.properties.model_validate(without_ignored(type_name, properties))
            if logical_id not in self._package.missing:
                known.check(model, self._package.artifacts)
        except ValidationError as error:
            yield from _violations(error)
        except UnsupportedValueError as error:
            yield f"{error.path}: {error}"

    def _depends_on(self, resource: Mapping[str, TemplateValue], needed: set[str]) -> Iterator[str]:
        names = resource.get("DependsOn", [])
        for name in [names] if isinstance(names, str) else names:
            if name in self.present:
                needed.add(name)
            elif name not in self._template["Resources"]:
                yield f"{name} does not exist"

    def _recording(self, needed: set[str]) -> Scope:
        """Return a scope that checks and records each reference and resolves it to a placeholder."""

        def look_up(reference: Reference) -> str:
            self._refuse_unknown(reference)
            needed.add(reference.logical_id)
            return f"{reference.logical_id}.{reference.attribute or 'Ref'}"

        return replace(self._scope, lookup=look_up)

    def _refuse_unknown(self, reference: Reference) -> None:
        name, attribute = reference
        if name not in self._template["Resources"]:
            nearest = difflib.get_close_matches(name, [*self._template["Resources"], *self._scope.parameters], n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise IntrinsicError(f"refers to {name}, which is neither a resource nor a parameter{hint}")
        if name not in self.present:
            raise IntrinsicError(f"refers to {name}, which its condition leaves out")
        type_name = self.present[name]["Type"]
        known = resource_type(type_name)
        if known is None and not is_ignored_type(type_name):
            return
        attributes = known.attributes if known else frozenset[str]()
        if attribute and attribute not in attributes:
            others = (
                f"supported are {', '.join(sorted(attributes))}"
                if attributes
                else "this type has no supported attributes"
            )
            raise IntrinsicError(f"the attribute {attribute} of {name} ({type_name}) is not supported; {others}")


def _violations(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in detail["loc"])
        is_unknown = detail["type"] == "extra_forbidden"
        yield f"{path}: {f'this property is not supported; {_ADVICE}' if is_unknown else detail['msg']}"
