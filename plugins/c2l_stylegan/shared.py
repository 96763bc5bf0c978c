"""What other plugins of this project build on: layers, fast ways to compute, readers of pickles.

The only module of this plugin that another one may import, and only ``c2l_gans`` does.
"""

from c2l_stylegan.cpu.fast_path import allows_fast_path, records_gradients
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.files.layer_attributes import child_of, clamp_of, number, real
from c2l_stylegan.files.nvidia_pickles import root_of
from c2l_stylegan.files.nvidia_settings import convert as convert_nvidia
from c2l_stylegan.files.pickled import Module, array_of, plain, tensor_of, views
from c2l_stylegan.files.tensorflow import network_of as tensorflow_network
from c2l_stylegan.files.weights import fill, misfits, read_safetensors, write_safetensors
from c2l_stylegan.measured import NUM_MEASURED, MeasuredLatents
from c2l_stylegan.networks.draws import check_noise, numpy_normal
from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.mapping import FullyConnected, Mapping, unit_rms
from c2l_stylegan.networks.modulated import Modulated
from c2l_stylegan.networks.noise import Noise, NoiseMaps
from c2l_stylegan.networks.rgb import as_rgb
from c2l_stylegan.networks.settings import StyleGAN2Settings, StyleGAN3Settings
from c2l_stylegan.networks.stylegan2 import Synthesis2, drawn_by
from c2l_stylegan.networks.stylegan2_block import Block, ModulatedConv
from c2l_stylegan.networks.stylegan3 import Synthesis3

__all__ = [
    "Block",
    "FullyConnected",
    "Mapping",
    "MeasuredLatents",
    "Modulated",
    "ModulatedConv",
    "Module",
    "NUM_MEASURED",
    "Noise",
    "NoiseMaps",
    "Scratch",
    "StyleGAN2Settings",
    "StyleGAN3Settings",
    "Synthesis2",
    "Synthesis3",
    "allows_fast_path",
    "array_of",
    "as_rgb",
    "check_noise",
    "child_of",
    "clamp_of",
    "convert_nvidia",
    "drawn_by",
    "fill",
    "misfits",
    "number",
    "numpy_normal",
    "plain",
    "read_safetensors",
    "real",
    "records_gradients",
    "resampling_filter",
    "root_of",
    "tensor_of",
    "tensorflow_network",
    "unit_rms",
    "views",
    "write_safetensors",
]
