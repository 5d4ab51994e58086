"""A small neural network library on scalar Values: modules, losses, optimisers, training."""

from nn import init, losses, optim
from nn.exploring import explore
from nn.history import History
from nn.layers import MLP, Layer, Neuron
from nn.module import Module
from nn.still import draw
from nn.storage import load, save
from nn.training import accuracy, fit

__all__ = [
    "MLP",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "accuracy",
    "draw",
    "explore",
    "fit",
    "init",
    "load",
    "losses",
    "optim",
    "save",
]
