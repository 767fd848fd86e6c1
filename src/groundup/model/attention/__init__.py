"""Attention: the function (`scaled_dot_product`), who may look where (`masks`), the module (`multi_head`)."""
