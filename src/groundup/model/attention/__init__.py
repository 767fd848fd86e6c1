"""Attention: the function (`scaled_dot_product`), who may look where (`masks`), the module with its weights (`multi_head`)."""
