"""The engines, as a list that one can read aloud. Packages add to it through the entry-point group `sonoderm.backends`.

An engine that was asked for and is not here stops the run with the line that installs it: nothing is used in its place.
"""

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass

from edge.backends.isa import processor_class, read_flags
from edge.backends.session import EngineSession, Graph, Place, Session
from edge.bundle.manifest import Manifest
from edge.bundle.open import VerifiedBundle
from edge.errors import BackendFault, MachineLacks, UsageError

__all__ = [
    "ENGINES",
    "Availability",
    "Engine",
    "available",
    "engine_named",
    "engines",
    "graph_of",
    "open_graph",
    "open_session",
    "require",
    "version_of",
]

GROUP = "sonoderm.backends"  # name = engine, value = module with `load(graph, threads, place) -> Loaded`


@dataclass(frozen=True, slots=True)
class Engine:
    """needs: the module that must be installed. install: the line that does it. schemes: forms that run well here, best first."""

    name: str
    module: str
    needs: str | None
    install: str
    runs_on: str
    schemes: tuple[str, ...] = ("u8s8", "trt_in", "float32", "float16")
    for_patients: bool = True


ENGINES = (  # in the order of preference where several are proven: docs/decisions/0003-engines.md
    Engine(
        "tensorrt",
        "edge.backends.tensorrt",
        "tensorrt",
        "on a Jetson use the board's own package (docs/jetson.md); elsewhere pip install 'sonoderm[tensorrt]'",
        "NVIDIA GPUs, Jetson",
        ("trt_in", "float16", "float32"),
    ),
    Engine("openvino", "edge.backends.openvino", "openvino", "pip install 'sonoderm[openvino]'", "x86 processors; fastest INT8 with VNNI"),
    Engine(
        "onnxruntime",
        "edge.backends.onnxruntime",
        "onnxruntime",
        "pip install onnxruntime",
        "any processor",
        ("u8s8", "float32", "float16", "trt_in"),
    ),
    Engine("null", "edge.backends.null", None, "it is part of sonoderm", "tests alone: fixed outputs", for_patients=False),
)


@dataclass(frozen=True, slots=True)
class Availability:
    """version: of the installed package, None where it is missing."""

    engine: Engine
    version: str | None

    @property
    def is_here(self) -> bool:
        return self.version is not None


def engines() -> tuple[Engine, ...]:
    """Ours, then those of other packages. A name of ours cannot be taken over."""
    known = {engine.name for engine in ENGINES}
    points = [point for point in importlib.metadata.entry_points(group=GROUP) if point.name not in known]
    found = [Engine(point.name, point.value, _top(point.value), f"pip install {_top(point.value)}", "see its package") for point in points]
    return (*ENGINES, *found)


def engine_named(name: str) -> Engine:
    """Raises UsageError where no engine is called so."""
    found = next((engine for engine in engines() if engine.name == name), None)
    if found is None:
        raise UsageError(f"there is no engine '{name}'", do=f"choose one of: {', '.join(e.name for e in engines() if e.for_patients)}")
    return found


def _top(module: str) -> str:
    return module.partition(".")[0]


def _version(engine: Engine) -> str | None:
    if engine.needs is None:
        return "0"
    if importlib.util.find_spec(engine.needs) is None:
        return None
    try:
        return importlib.metadata.version(engine.needs).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        pass
    try:  # a board's own package often comes without metadata
        return str(getattr(importlib.import_module(engine.needs), "__version__", "unknown"))
    except ImportError:
        return None


def version_of(name: str) -> str | None:
    """Version of the installed engine, None where it is missing: what tuning and proofs are keyed by."""
    return _version(engine_named(name))


def available() -> tuple[Availability, ...]:
    """Every engine and whether it is installed here. Imports none of them."""
    return tuple(Availability(engine, _version(engine)) for engine in engines())


def require(name: str) -> Engine:
    """The engine, installed. Raises MachineLacks with the line that installs it."""
    engine = engine_named(name)
    if _version(engine) is None:
        raise MachineLacks(f"the engine '{name}' is not installed here", do=engine.install)
    return engine


def graph_of(bundle: VerifiedBundle, form_id: str) -> Graph:
    """The form's bytes with what the manifest says of them. Raises UsageError where the bundle has no such form."""
    manifest: Manifest = bundle.manifest
    form = next((f for f in manifest.forms if f.id == form_id), None)
    if form is None:
        raise UsageError(f"{manifest.name} has no form '{form_id}'", do=f"choose one of: {', '.join(f.id for f in manifest.forms)}")
    where = bundle.path.name if bundle.path else manifest.name
    return Graph(
        data=bundle.member(form.member),
        origin=f"{where}: {form.member}",
        bundle_digest=bundle.digest,
        form=form.id,
        scheme=form.scheme,
        opset=form.opset,
        spec=manifest.input,
        outputs=manifest.outputs,
        classes=len(manifest.labels),
    )


def open_session(bundle: VerifiedBundle, form: str, engine: str, threads: int, place: Place) -> Session:
    """One form on one engine. Raises MachineLacks (engine missing), UsageError (no such form), BackendFault (it refuses the graph)."""
    return open_graph(graph_of(bundle, form), require(engine), threads, place)


def open_graph(graph: Graph, engine: Engine, threads: int, place: Place) -> Session:
    """As `open_session`, for a graph that is at hand."""
    try:
        module = importlib.import_module(engine.module)
    except (ImportError, OSError) as error:
        if _was_interrupted(error):
            raise KeyboardInterrupt from error
        raise MachineLacks(f"the engine '{engine.name}' is installed and cannot be loaded: {error}", do=engine.install) from error
    loaded = module.load(graph, threads, place)
    try:
        return EngineSession(graph, engine.name, loaded, threads, processor_class(read_flags()))
    except BackendFault:
        loaded.close()
        raise


def _was_interrupted(error: BaseException) -> bool:
    """Is Ctrl-C the reason? Compiled modules turn what ended their own imports into an ImportError."""
    before = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt) or (before is not None and _was_interrupted(before))
