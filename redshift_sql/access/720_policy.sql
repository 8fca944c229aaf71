create masking policy {policy} with ({value: # #type}) using ({expression});
