//! What the machine is made of, in the words Ironic stores.
