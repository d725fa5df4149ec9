"""Act on a module when it is imported, without importing it."""
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

Then = Callable[[ModuleType], Any]
Failed = Callable[[ImportError], NoReturn]


def when_imported(name: str, then: Then | None = None, failed: Failed | None = None) -> None:
    """Call ``then`` with the module ``name`` once it is imported, or now if it is already.

    Args:
        then: what to do with the module.
        failed: what to raise if its import fails with an ImportError.
    """
    if name in sys.modules:
        if then:
            then(sys.modules[name])
    else:
        # First place: any later finder would find the module without us.
        sys.meta_path.insert(0, _Finder(name, then, failed))


class _Finder:
    """A finder that finds one module as Python would, and acts after its import."""

    def __init__(self, name: str, then: Then | None, failed: Failed | None):
        self.name, self.then, self.failed = name, then, failed

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.name:
            return None
        # Without this, the search below would come back here.
        sys.meta_path.remove(self)
        spec: Any = importlib.util.find_spec(name)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            try:
                run(module)
            except ImportError as error:
                if self.failed:
                    self.failed(error)
                raise
            if self.then:
                self.then(module)

        spec.loader.exec_module = exec_module
        return spec

    def invalidate_caches(self) -> None:
        """Do nothing: ``importlib.invalidate_caches`` asks every finder."""
