"""Makes moto read each expression once: a table's callers send the same few dozen all the time."""

import copy
from collections import deque
from functools import cache, lru_cache

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue

_EXPRESSIONS: int = 1024


def parse_updates_once() -> None:
    """Cache parsed update expressions, look up which nodes of one a step needs once and not for each node, and copy
    them as the trees that they are.
    """
    moto_seams.PARSE_UPDATE.replace(staticmethod(lru_cache(maxsize=_EXPRESSIONS)(moto_seams.PARSE_UPDATE.original)))
    moto_seams.WALK_UPDATE.replace(_walk)
    moto_seams.COPY_UPDATE.replace(_copied)


def split_conditions_once() -> None:
    """Cache the words of conditions; names and values are put in for each call."""
    original = moto_seams.SPLIT_CONDITION.original

    @lru_cache(maxsize=_EXPRESSIONS)
    def words(expression: str) -> tuple[MotoValue, ...]:
        parser = moto_seams.SPLIT_CONDITION.owner(expression, None, None)
        return tuple(original(parser))

    moto_seams.SPLIT_CONDITION.replace(lambda self: deque(words(self.condition_expression)))


def _walk(self: MotoValue, root: MotoValue) -> MotoValue:
    """What `traverse` of moto's steps does."""
    wanted, looks_ahead = self.nodes_to_be_processed(), type(self).pre_processing_of_child
    is_asked = looks_ahead is not moto_seams.WALK_UPDATE.owner.pre_processing_of_child

    def visit(node: MotoValue, child_id: int) -> MotoValue:
        if not _is_node(node.__class__):
            return node
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            if is_asked:
                looks_ahead(self, node, number)
            visit(child, number)
        if _is_one_of(node.__class__, wanted):
            node = self.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return visit(root, -1)


@cache
def _is_node(kind: type) -> bool:
    from moto.dynamodb.parsing.ast_nodes import Node  # type: ignore[attr-defined]  # the module is not checked

    return issubclass(kind, Node)


@cache
def _is_one_of(kind: type, wanted: tuple[type, ...]) -> bool:
    return issubclass(kind, wanted)


def _copied(value: MotoValue) -> MotoValue:
    """Copy a tree of nodes in one walk: leaves are texts, and each child knows its parent. What is no node is copied
    as before.
    """
    return _copied_node(value, value.parent) if _is_node(value.__class__) else copy.deepcopy(value)


def _copied_node(node: MotoValue, parent: MotoValue) -> MotoValue:
    made = node.__class__.__new__(node.__class__)
    made.__dict__.update(node.__dict__)
    made.parent = parent
    if node.children is not None:
        made.children = [
            _copied_node(child, made) if _is_node(child.__class__) else copy.deepcopy(child) for child in node.children
        ]
    return made
