//! History, metrics, data sets, splits, .npy files and saved models for gf.
