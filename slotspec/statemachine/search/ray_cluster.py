"""Connects to Ray, and brings models to its processes."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.pickling import place_of
from slotspec.statemachine.errors import InputError, UsageError
from slotspec.statemachine.workers import MOST_WORKERS

LOCAL = "ray"
REMOTE = "ray://"


def ray_module(on: str) -> Any:
    """The library, if `on` is an address of it.

    :raises UsageError: ``SET044`` for anything else, ``SET045`` if it is not installed.
    """
    if on != LOCAL and not on.startswith(REMOTE):
        raise UsageError("SET044", f"--on {on}: choose ray (this machine) or ray://HOST:PORT")
    ray = import_module("ray") if importlib.util.find_spec("ray") else None
    if not hasattr(ray, "init"):  # Ray leaves a folder of this name in /tmp
        raise UsageError(
            "SET045", "--on ray needs Ray, which is not installed; pip install 'slotspec[ray]'"
        )
    return ray


@contextmanager
def cluster(on: str, workers: int | None = None) -> Iterator[tuple[Any, int]]:
    """Ray, connected, and how many processes to use; disconnected at the end.

    With ``ray``, a cluster that this program is connected to already is used; otherwise one is
    started on this machine.

    :param workers: how many processes; None for one for each processor of the cluster.
    :raises InputError: ``RAY001`` if there is no cluster at this address.
    :raises UsageError: ``SET030`` if it has fewer processors than there are to be processes.
    """
    ray = ray_module(on)
    connected = on == LOCAL and ray.is_initialized()
    if not connected:
        own: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
        if on == LOCAL:
            # its processes import from where this one does
            paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path)
            own["address"], own["num_cpus"] = "local", workers or os.cpu_count()
            own["runtime_env"] = {"env_vars": {"PYTHONPATH": paths}}
            own["include_dashboard"] = False
        else:
            own["address"] = on
        try:
            with warnings.catch_warnings():  # the error says the same
                warnings.simplefilter("ignore")
                ray.init(**own)
        except Exception as error:  # of gRPC, or of another version of Ray
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise InputError("RAY001", f"cannot connect to {on}: {first[0]}") from None
    try:
        there = int(ray.cluster_resources().get("CPU", 0))
        wanted = min(there, MOST_WORKERS) if workers is None else workers
        if not 1 <= wanted <= min(there, MOST_WORKERS):
            raise UsageError(
                "SET030",
                f"workers {wanted}: the cluster has {there} processors;"
                f" choose from 1 to {min(there, MOST_WORKERS)}",
            )
        yield ray, wanted
    finally:
        if not connected:
            ray.shutdown()


@dataclass(frozen=True)
class Shipped:
    """An instance on its way to a process of Ray, which pickles all that it moves.

    :param module: the module of the model, and its file.
    :param pickled: the instance; read only once its module is there.
    """

    module: str
    file: str
    pickled: bytes

    @classmethod
    def of(cls, instance: Instance, ray: Any) -> Shipped:
        """
        :raises UsageError: ``SET042`` if the model is at the top level of no module, or in a
            program of its own.
        """
        module, _ = place_of(instance.model)
        if module == "__main__":
            raise UsageError(
                "SET042",
                f"model {instance.model.name} is in the program itself, which no other process"
                " can import; move it into a module",
            )
        file = str(Path(str(sys.modules[module].__file__)).resolve())
        return cls(module, file, ray.cloudpickle.dumps(instance))

    def unpacked(self, ray: Any) -> Instance:
        """The instance, here.

        :raises InputError: ``RAY002`` if the module cannot be imported.
        """
        self._find_module()
        instance: Instance = ray.cloudpickle.loads(self.pickled)
        return instance

    def _find_module(self) -> None:
        if self.module in sys.modules:
            return
        try:
            import_module(self.module)
            return
        except ImportError:
            pass
        # a file that the command line names is no module that can be imported by its name
        spec = importlib.util.spec_from_file_location(self.module, self.file)
        if spec is None or spec.loader is None or not Path(self.file).is_file():
            raise InputError(
                "RAY002",
                f"a node of the cluster has no {self.file}; put the model at the same path on"
                " each node, or into a package that is installed there",
            )
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(Path(self.file).parent))
        sys.modules[self.module] = module
        spec.loader.exec_module(module)
