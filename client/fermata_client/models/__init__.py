"""The answers of Fermata as values. Fields that this version does not know are kept and do no harm."""
