"""SpeechBrain: networks, normalisers and encoders; saved by its checkpointer and whole."""

from __future__ import annotations

import torch
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector
from speechbrain.nnet.RNN import LSTM
from speechbrain.processing.features import InputNormalization
from speechbrain.utils.checkpoints import Checkpointer

from evaluation.specimens import Recipe, Way, torched


def checkpointed(build) -> Way:
    """Save with the checkpointer and recover into a new model."""

    def load(path):
        model = build()
        Checkpointer(path, {"model": model}).recover_if_possible()
        return model.eval()

    return Way("checkpointer", "", lambda model, path: Checkpointer(path, {"model": model}).save_checkpoint(), load,
               "*.ckpt")  # fmt: skip


def heard(model):
    """What the network says of a short signal, with the noise that some add being the same."""
    torch.manual_seed(0)
    with torch.no_grad():
        said = model(torch.zeros(1, 20, 8))
    return (said[0] if isinstance(said, tuple) else said).flatten()[:8]


RECIPE = Recipe(heard, torched(), torched(zipped=False))


def tdnn():
    """A small network for speakers."""
    torch.manual_seed(0)
    return ECAPA_TDNN(8, channels=[8, 8, 8], kernel_sizes=[5, 3, 1], dilations=[1, 2, 1], attention_channels=4,
                      lin_neurons=4, res2net_scale=2, se_channels=4).eval()  # fmt: skip


@RECIPE.model("speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN", ways=(torched(), checkpointed(tdnn)))
def speakers():
    return tdnn()


@RECIPE.model("speechbrain.lobes.models.Xvector.Xvector")
def x_vectors():
    torch.manual_seed(0)
    return Xvector(in_channels=8, tdnn_blocks=2, tdnn_channels=[8, 8], tdnn_kernel_sizes=[3, 1],
                   tdnn_dilations=[1, 1], lin_neurons=4).eval()  # fmt: skip


@RECIPE.model("speechbrain.nnet.RNN.LSTM")
def recurrent():
    torch.manual_seed(0)
    return LSTM(hidden_size=4, input_size=8).eval()


@RECIPE.model("speechbrain.processing.features.InputNormalization", predict=lambda model: str(model.norm_type))
def normaliser():
    return InputNormalization()


@RECIPE.model("speechbrain.dataio.encoder.CategoricalEncoder", predict=lambda encoder: encoder.encode_label("b"))
def labels():
    encoder = CategoricalEncoder()
    encoder.update_from_iterable(["a", "b"])
    return encoder
