"""FairTune: which parts of a trained network to fine-tune, so that no group is left behind."""
