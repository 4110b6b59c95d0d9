"""Union-find: groups that share a picture, a cluster, or a named pair are one group."""

from collections.abc import Iterable

__all__ = ["Clusters"]


class Clusters:
    """Sets of names that grow together. A name that was never joined stands for itself."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The first name of its set in the order of the alphabet: the same whatever order the sets were joined in."""
        top = name
        while (above := self._above.get(top, top)) != top:
            top = above
        while (above := self._above.get(name, name)) != top and above != name:
            self._above[name], name = top, above
        return top

    def join(self, names: Iterable[str]) -> None:
        roots = sorted({self.root(name) for name in names})
        for root in roots[1:]:
            self._above[root] = roots[0]
