"""The schemas of the document: what pydantic says of a model, in the form that generators of clients take."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.orders.order_request import AUTO

Json = dict[str, Any]

_NAMES_OF_JSON_SCHEMA: Final = {"ge": "minimum", "le": "maximum"}
"""Bounds that pydantic leaves in its own words where it checks a value before it checks the type."""


class _Schemas(GenerateJsonSchema):
    """Every property has the docstring of its field as description, no property has a default, and what may be null is
    a list of types where a list can say it.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of one model."""
        written = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        told = descriptions(model)
        for name, value in written.get("properties", {}).items():
            written["properties"][name] = _plain(value) | ({"description": told[name]} if name in told else {})
        return _plain(written)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema without its default, which clients would send or take for required; descriptions say it."""
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """`type: [x, "null"]` for what has a type of its own; references and enumerations stay one of two schemas."""
        written = super().nullable_schema(schema)
        either = written.get("anyOf", [])
        inner: Json = next((each for each in either if each != {"type": "null"}), {})
        if len(either) != 2 or not isinstance(inner.get("type"), str) or "enum" in inner:
            return written
        return {**inner, "type": [inner["type"], "null"]}


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """The docstring that follows each field of a model, on one line, by the field's name in JSON."""
    found: dict[str, str] = {}
    for each in reversed([base for base in model.__mro__ if issubclass(base, BaseModel) and base is not BaseModel]):
        (written,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        body = written.body if isinstance(written, ast.ClassDef) else []
        for field, after in pairwise(body):
            match field, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    aliases = {name: field.alias or name for name, field in model.model_fields.items()}
    return {aliases[name]: text for name, text in found.items() if name in aliases}


def schemas_of(models: Iterable[type[BaseModel]], catalogue: Catalogue) -> Json:
    """The schema of each model and of what it consists of, by name."""
    _, found = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    schemas = {name: _plain(schema) for name, schema in sorted(found["$defs"].items())}
    _name_the_models(schemas["SongRequest"]["properties"], catalogue)
    return schemas


def _name_the_models(properties: Json, catalogue: Catalogue) -> None:
    """List the ids of models where a request names one. They are examples and no enumeration: a family has any number
    of names, and a client that was generated from a closed list would refuse the models of the next release.
    """
    offered = catalogue.offered_ids()
    ids, families = [each for each in offered if "*" not in each], [each for each in offered if "*" in each]
    listed = f"One of {_code(ids)}, or any name of the families {_code(families)}."
    properties["model"]["description"] += f" {listed}"
    properties["model"]["examples"] = [AUTO, *ids]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _plain(schema: Json) -> Json:
    """A schema without the titles that only repeat its name, with bounds in the words of JSON Schema, and with
    descriptions on single lines.
    """
    kept = {_NAMES_OF_JSON_SCHEMA.get(name, name): value for name, value in schema.items() if name != "title"}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    return kept
