"""What ``c2l doctor`` says: what is wrong with this machine, and the facts that a report needs."""
