"""Networks as safetensors with a config: check, build our own module, fill it, run it.

Nothing of the file is executed: the config names one of our architectures, and every array has
to have the name and shape that this architecture asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError
from auditapp.predictors import deciders, outputs
from auditapp.predictors.rows import BATCH, Rows

if TYPE_CHECKING:
    from mitigations.fairtune.checkpoint import Checkpoint

Json = dict[str, Any]

TABULAR = ("residual-mlp", "ft-transformer")
IMAGES = "images.npy"
OUTPUT = "probability"
#: Rows at a time; the same as where remedies score, so that both say the same.
BLOCK = 1024
TITLES = {
    "residual-mlp": "residual MLP",
    "ft-transformer": "FT-Transformer",
    "vit": "vision transformer",
    "convnet": "convolutional network",
}


def describe(path: Path, name: str) -> Json:
    """Architecture, columns and classes; refuses weights that do not fit the config."""
    return _described(*_opened(path, name))


def _described(found: Checkpoint, module: Any) -> Json:
    from mitigations.fairtune import networks

    config = found.config
    images = not is_tabular(config)
    columns = [] if images else list(config["columns"])
    classes = _classes(config)
    results = [{"name": OUTPUT, "type": "tensor(float)", "shape": [None, len(classes)]}]
    chosen = outputs.choose(results, classes)
    return {
        "format": "network",
        "inputs": _image_inputs(config) if images else [_input(column) for column in columns],
        "outputs": results,
        "features": [str(column["name"]) for column in columns],
        "n_features": len(columns),
        "estimator": TITLES.get(str(config["arch"]), str(config["arch"])),
        "classes": classes,
        **chosen,
        "positive": classes[int(config["positive"])],
        "network": {
            "arch": str(config["arch"]),
            "images": images,
            "size": int(config["img_size"]) if images else None,
            "depth": int(module.depth),
            "parameters": sum(int(p.numel()) for p in module.parameters()),
            "head": networks.fits_head(found, module),
        },
    }


def scores(
    path: Path,
    name: str,
    *,
    table: Path,
    features: list[str] | None,
    output: str,
    positive: str | None,
    out: NDArray[np.float64],
    tick: Callable[..., None],
    choose: bool = False,
    precision: str = "float32",
) -> None:
    """Fill `out` with the score of every row, or with the class chosen for it.

    ``precision`` is ``float32`` or ``bfloat16``, of weights and what is computed from them.
    """
    import torch

    torch.set_num_threads(1)
    found, module = _opened(path, name)
    profile = _described(found, module)
    if not profile["network"]["head"]:
        raise AuditError(
            "network-head",
            f"The head of “{name}” is missing or has another shape than the config says.",
            "Give a network that was trained to the end. Without its head it can be what a"
            " remedy starts from.",
            where=name,
        )
    take = (
        deciders.decider(profile, output) if choose else outputs.reader(profile, output, positive)
    )
    kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    module = module.to(kind).eval()
    done, whole = 0, len(out)
    with torch.no_grad():
        for block in _blocks(found.config, table):
            tensors = [t.to(kind) if t.is_floating_point() else t for t in map(_tensor, block)]
            chances = torch.softmax(module(*tensors).double(), dim=1).numpy()
            n = len(chances)
            out[done : done + n] = take.values(chances, n)
            done += n
            if done % BATCH < BLOCK or done == whole:
                tick(done, whole, f"{done:,} of {whole:,} rows scored")
    if done != whole:
        raise AuditError("model-rows", f"There are {done:,} images for {whole:,} rows.")


def is_tabular(config: Mapping[str, Any]) -> bool:
    """Whether it takes columns; else it takes images."""
    return config["arch"] in TABULAR


def encoded(
    config: Mapping[str, Any], column: Callable[[str, str], NDArray[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Inputs of a tabular network: standardised numbers with their blanks, codes of levels.

    Parameters
    ----------
    column
        ``column(name, kind)``: numbers with NaN for blank, or texts with "" for blank.
    """
    values, blanks, codes = [], [], []
    for item in config["columns"]:
        found = column(str(item["name"]), str(item["kind"]))
        if item["kind"] == "numeric":
            blank = ~np.isfinite(found)
            scaled = (np.where(blank, 0.0, found) - item["mean"]) / item["sd"]
            values.append(np.where(blank, 0.0, scaled))
            blanks.append(blank)
        else:
            place = {str(level): i + 1 for i, level in enumerate(item["levels"])}
            codes.append([place.get(str(text).strip(), 0) for text in found])
    n = len(found)
    numbers = np.array([*values, *blanks], dtype=np.float32).T.reshape(n, 2 * len(values))
    return numbers, np.array(codes, dtype=np.int64).T.reshape(n, len(codes))


def _opened(path: Path, name: str) -> tuple[Checkpoint, Any]:
    """Config and weights, and the module they fill; its refusals in the words of an upload."""
    from mitigations.contract import MethodError
    from mitigations.fairtune import checkpoint, networks

    try:
        found = checkpoint.read(path)
        return found, networks.load(found)
    except MethodError as error:
        raise AuditError(
            error.code, f"“{name}”: {error.message}", error.hint, where=name
        ) from None


def _blocks(config: Mapping[str, Any], table: Path) -> Iterator[tuple[NDArray[Any], ...]]:
    if is_tabular(config):
        names = [str(column["name"]) for column in config["columns"]]
        numeric = [str(c["name"]) for c in config["columns"] if c["kind"] == "numeric"]
        rows = Rows(table, names, numeric=numeric)
        for _, batch in rows.batches():
            numbers, codes = encoded(
                config,
                lambda name, kind, batch=batch: (  # type: ignore[misc]
                    rows.numbers(batch, name) if kind == "numeric" else rows.texts(batch, name)
                ),
            )
            for at in range(0, len(numbers), BLOCK):
                yield numbers[at : at + BLOCK], codes[at : at + BLOCK]
        return
    images = _images(table)
    for at in range(0, len(images), BLOCK):
        # As bytes: the network brings them to its own size, mean and spread.
        yield (np.array(images[at : at + BLOCK]),)


def _images(table: Path) -> NDArray[np.uint8]:
    path = table.with_name(IMAGES)
    if not path.is_file():
        raise AuditError(
            "model-images",
            "The network looks at images, and this data set has none.",
            "Upload the images as a zip file with manifest.csv; see docs/images.md.",
        )
    images: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return images


def _tensor(array: NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def _classes(config: Mapping[str, Any]) -> list[str]:
    return [str(i) for i in range(int(config["classes"]))]


def _input(column: Mapping[str, Any]) -> Json:
    kind = "tensor(float)" if column["kind"] == "numeric" else "tensor(string)"
    return {"name": str(column["name"]), "type": kind, "shape": [None, 1]}


def _image_inputs(config: Mapping[str, Any]) -> list[Json]:
    size, channels = int(config["img_size"]), int(config["channels"])
    return [{"name": "image", "type": "tensor(uint8)", "shape": [None, channels, size, size]}]
