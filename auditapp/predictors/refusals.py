"""Files that are not opened, why, and the copyable way to one that is."""

from __future__ import annotations

from dataclasses import dataclass

from auditapp.errors import AuditError

COLUMN = """\
# Or keep the model and add its scores to the table:
table["score"] = model.predict_proba(table[features])[:, 1]
table.to_csv("table-with-score.csv", index=False)
"""
SKOPS = """\
# Where the model was trained:
import joblib, skops.io
model = joblib.load("{name}")
skops.io.dump(model, "{stem}.skops")

"""
PICKLE = """\
# Where the model was trained:
import pickle, skops.io
with open("{name}", "rb") as file:
    model = pickle.load(file)
skops.io.dump(model, "{stem}.skops")

"""
SKL2ONNX = """\
# Where the model was trained:
from skl2onnx import to_onnx
with open("{stem}.onnx", "wb") as file:
    file.write(to_onnx(model, X_train[:1]).SerializeToString())

"""
TORCH = """\
# Where the model was trained; X_train holds the features in order:
import torch
model = torch.jit.load("{name}").eval()  # weights alone: build_model()
torch.onnx.export(
    model, torch.zeros(1, X_train.shape[1]), "{stem}.onnx",
    input_names=["X"], output_names=["probability"],
    dynamic_axes={{"X": {{0: "rows"}}, "probability": {{0: "rows"}}}},
    dynamo=False,  # one file; the newer exporter may put the weights into a second one
)

# Or keep the model and add its scores to the table:
X = torch.tensor(table[features].to_numpy(), dtype=torch.float32)
table["score"] = model(X).detach().numpy().ravel()
table.to_csv("table-with-score.csv", index=False)
"""
KERAS = """\
# Where the model was trained:
import keras
model = keras.models.load_model("{name}")
model.export("{stem}.onnx", format="onnx")

# Or keep the model and add its scores to the table:
table["score"] = model.predict(table[features]).ravel()
table.to_csv("table-with-score.csv", index=False)
"""
BOOSTER = """\
# Where the model was trained (pip install onnxmltools):
from onnxmltools import {converter}
from onnxmltools.convert.common.data_types import FloatTensorType
onx = {converter}(model, initial_types=[("X", FloatTensorType([None, n_features]))])
with open("{stem}.onnx", "wb") as file:
    file.write(onx.SerializeToString())

"""
CATBOOST = """\
# Where the model was trained:
model.save_model("{stem}.onnx", format="onnx")

"""


@dataclass(frozen=True)
class Refusal:
    """One kind of file, said to the person who uploaded it."""

    code: str
    is_a: str
    why: str
    hint: str
    code_block: str


REFUSALS = {
    "pickle": Refusal(
        "pickle",
        "a pickle file",
        "Pickle files can run code when opened, so Evenhand never opens one.",
        "Save the model with skops, or add its scores as a column.",
        PICKLE + COLUMN,
    ),
    "joblib": Refusal(
        "joblib",
        "a joblib file",
        "Joblib files are pickles, which can run code when opened: Evenhand never opens one.",
        "Save the model with skops, or add its scores as a column.",
        SKOPS + COLUMN,
    ),
    "torch": Refusal(
        "torchscript",
        "a PyTorch file",
        "It carries pickled or compiled code that runs when opened.",
        "Export the model to ONNX, or add its scores as a column.",
        TORCH,
    ),
    "keras": Refusal(
        "keras",
        "a Keras or TensorFlow model",
        "Such files may carry Python code that runs when opened.",
        "Export the model to ONNX, or add its scores as a column.",
        KERAS,
    ),
    "pmml": Refusal(
        "pmml",
        "a PMML file",
        "Evenhand runs ONNX and skops models.",
        "Convert the model to ONNX where it was trained, or add its scores as a column.",
        SKL2ONNX + COLUMN,
    ),
    "xgboost": Refusal(
        "xgboost",
        "an XGBoost model",
        "Evenhand runs ONNX and skops models.",
        "Convert the model to ONNX, or add its scores as a column.",
        BOOSTER.replace("{converter}", "convert_xgboost") + COLUMN,
    ),
    "lightgbm": Refusal(
        "lightgbm",
        "a LightGBM model",
        "Evenhand runs ONNX and skops models.",
        "Convert the model to ONNX, or add its scores as a column.",
        BOOSTER.replace("{converter}", "convert_lightgbm") + COLUMN,
    ),
    "catboost": Refusal(
        "catboost",
        "a CatBoost model",
        "Evenhand runs ONNX and skops models.",
        "Save the model as ONNX, or add its scores as a column.",
        CATBOOST + COLUMN,
    ),
    "ort": Refusal(
        "ort-format",
        "a model in ONNX Runtime's own ORT format",
        "Its parts cannot be checked before it is loaded.",
        "Upload the .onnx file it was made from.",
        "",
    ),
    "safetensors": Refusal(
        "weights-only",
        "a safetensors file",
        "It holds weights, and no config that says which network they belong to.",
        "Add the config to its metadata where the network has one of the architectures Evenhand"
        " knows; else export the whole model to ONNX, or add its scores as a column.",
        TORCH.replace(
            'torch.jit.load("{name}").eval()  # weights alone: build_model()',
            "build_model().eval()  # with the weights loaded",
        ),
    ),
    "arrays": Refusal(
        "not-a-model",
        "a file of NumPy arrays",
        "It holds numbers and no model.",
        "Upload the table as CSV or Parquet under Data, and the model as .onnx or .skops.",
        "",
    ),
    "table": Refusal(
        "not-a-model",
        "a table",
        "It holds data and no model.",
        "Upload it under Data. Scores it holds are chosen there as a column.",
        "",
    ),
    "archive": Refusal(
        "packed-model",
        "a compressed archive",
        "Models are taken as one plain file.",
        "Unpack it and upload the .onnx or .skops file inside.",
        "",
    ),
    "empty": Refusal(
        "empty-file",
        "an empty file",
        "It has 0 bytes.",
        "Export the model again, or check that the upload was complete.",
        "",
    ),
    "unknown": Refusal(
        "unknown-model-format",
        "not a model Evenhand knows",
        "Evenhand runs ONNX (.onnx) and skops (.skops) models, and networks (.safetensors).",
        "Convert the model, or add its scores as a column.",
        SKL2ONNX + COLUMN,
    ),
}


def refusal(kind: str, name: str, *, found: str = "") -> AuditError:
    """Build the error for a file of a kind that is not opened."""
    entry = REFUSALS[kind]
    stem = name.rpartition(".")[0] or name
    safe = {"name": _plain(name), "stem": _plain(stem)}
    block = entry.code_block.format(**safe) if entry.code_block else ""
    return AuditError(
        entry.code,
        f"“{name}” is {entry.is_a}. {entry.why}",
        entry.hint,
        where=name,
        found=found,
        code_block=block,
    )


def _plain(name: str) -> str:
    """Keep a file name from breaking out of the quotes of a code block."""
    return "".join(c if c.isalnum() or c in " ._-()" else "_" for c in name)
