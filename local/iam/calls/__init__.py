"""The rights that a call to AWS needs: actions, ARNs of resources, and condition keys."""
