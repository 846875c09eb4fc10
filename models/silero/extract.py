#!/usr/bin/env python3
"""Writes the weights of the 8 kHz branch of silero_vad.onnx as one flat file of little-endian f32.

    pip download --no-deps silero-vad==6.2.3 && unzip silero_vad-6.2.3-py3-none-any.whl
    pip install onnx onnxruntime numpy
    python3 extract.py silero_vad/data/silero_vad.onnx silero_v6_8k.f32

With two more arguments, a mu-law file and a name, it also writes what ONNX Runtime computes for that audio:
the probability of each window of 256 samples, little-endian f32, for the test of our own forward pass.

    python3 extract.py silero_vad/data/silero_vad.onnx silero_v6_8k.f32 audio.ulaw reference.f32
"""

import hashlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

SOURCE_SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

# In this order, each tensor row by row as stored.
TENSORS = [
    ("stft.forward_basis_buffer", (130, 1, 128)),
    ("encoder.0.reparam_conv.weight", (128, 65, 3)),
    ("encoder.0.reparam_conv.bias", (128,)),
    ("encoder.1.reparam_conv.weight", (64, 128, 3)),
    ("encoder.1.reparam_conv.bias", (64,)),
    ("encoder.2.reparam_conv.weight", (64, 64, 3)),
    ("encoder.2.reparam_conv.bias", (64,)),
    ("encoder.3.reparam_conv.weight", (128, 64, 3)),
    ("encoder.3.reparam_conv.bias", (128,)),
    ("decoder.rnn.weight_ih", (512, 128)),
    ("decoder.rnn.weight_hh", (512, 128)),
    ("decoder.rnn.bias_ih", (512,)),
    ("decoder.rnn.bias_hh", (512,)),
    ("decoder.decoder.2.weight", (1, 128, 1)),
    ("decoder.decoder.2.bias", (1,)),
]


def extract(model_path):
    data = open(model_path, "rb").read()
    found = hashlib.sha256(data).hexdigest()
    if found != SOURCE_SHA256:
        sys.exit(f"{model_path} has SHA-256 {found}, not {SOURCE_SHA256}: take it from silero-vad 6.2.3")
    branches = next(node for node in onnx.load(model_path).graph.node if node.op_type == "If")
    eight_khz = next(a.g for a in branches.attribute if a.name == "else_branch")
    by_name = {
        node.output[0].split("__Inline_0__")[-1]: numpy_helper.to_array(node.attribute[0].t)
        for node in eight_khz.node
        if node.op_type == "Constant"
    }
    parts = []
    for name, shape in TENSORS:
        tensor = by_name[name]
        if tensor.shape != shape:
            sys.exit(f"{name} has shape {tensor.shape}, not {shape}")
        parts.append(np.ascontiguousarray(tensor, dtype="<f4").ravel())
    return np.concatenate(parts)


def mulaw_to_float(data):
    code = ~np.frombuffer(data, dtype=np.uint8)
    magnitude = ((((code & 0x0F).astype(np.int32) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float32) / 32768


def reference(model_path, samples):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    state = np.zeros((2, 1, 128), dtype=np.float32)
    context = np.zeros(32, dtype=np.float32)
    out = []
    for start in range(0, len(samples) - 255, 256):
        window = samples[start : start + 256]
        inputs = {
            "input": np.concatenate([context, window])[None, :],
            "state": state,
            "sr": np.array(8000, dtype=np.int64),
        }
        probability, state = session.run(None, inputs)
        out.append(probability[0, 0])
        context = window[-32:]
    return np.array(out, dtype="<f4")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    weights = extract(sys.argv[1])
    weights.tofile(sys.argv[2])
    print(f"{sys.argv[2]}: {weights.size} numbers, SHA-256 {hashlib.sha256(weights.tobytes()).hexdigest()}")
    if len(sys.argv) == 5:
        outputs = reference(sys.argv[1], mulaw_to_float(open(sys.argv[3], "rb").read()))
        outputs.tofile(sys.argv[4])
        print(f"{sys.argv[4]}: {outputs.size} windows")
