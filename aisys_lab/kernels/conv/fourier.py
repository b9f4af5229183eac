"""Convolution as a product of spectra (NumPy's FFT): for large windows, and to be looked at.

Mathieu, Henaff and LeCun 2013, Fast Training of Convolutional Networks through FFTs.
"""

import numpy as np

from aisys_lab.kernels.conv.algorithm import Algorithm, finish
from aisys_lab.kernels.conv.naive import channels_last, in_layout, taps_first


def spectrum_of(g):
    """Complex numbers of the spectrum of one channel."""
    return g.padded[0] * (g.padded[1] // 2 + 1)


def padded_images(x, g):
    """Images [N,H,W,C] with zeros around them."""
    above, left = g.pads[0][0], g.pads[1][0]
    out = np.zeros((g.batch, *g.padded, g.channels), x.dtype)
    out[:, above:above + g.image[0], left:left + g.image[1]] = channels_last(x, g.layout)
    return out


def spread_windows(w, g):
    """Windows as large as padded images, their taps as far apart as dilation puts them."""
    out = np.zeros((*g.padded, *w.shape[2:]), w.dtype)
    down, along = (slice(0, (n - 1) * d + 1, d) for n, d in zip(g.window, g.dilation, strict=True))
    out[down, along] = w
    return out


def run(x, w, bias, activation, g):
    """Spectra of images times the conjugates of those of windows: a correlation. It goes around
    the end of the padded image only where no window fits any more."""
    (down, along), each, made = g.stride, g.channels // g.groups, g.out // g.groups
    x = np.fft.rfft2(padded_images(x, g), axes=(1, 2))
    w = np.fft.rfft2(spread_windows(w, g), axes=(0, 1)).conj()
    x = x.reshape(*x.shape[:3], g.groups, 1, each)
    w = w.reshape(*w.shape[:2], each, g.groups, made).transpose(0, 1, 3, 2, 4)
    y = (x @ w).reshape(*x.shape[:3], g.out)
    y = np.fft.irfft2(y, g.padded, axes=(1, 2))
    y = y[:, :down * g.places[0]:down, :along * g.places[1]:along]
    return finish(in_layout(np.ascontiguousarray(y), g.layout), bias, activation, g.layout)


def room(g, dtype):
    """Numbers of the padded images and windows, of the three spectra and of the images that come
    back."""
    real = g.padded[0] * g.padded[1]
    images, windows = g.batch * g.channels, g.channels // g.groups * g.out
    results = g.batch * g.out
    return (images + windows + results) * (real + 2 * spectrum_of(g))


def multiplications(g):
    """Four for each product of complex numbers; transforms not counted."""
    return 4 * spectrum_of(g) * g.batch * g.channels // g.groups * g.out


FFT = Algorithm(taps_first, run, room, multiplications)
