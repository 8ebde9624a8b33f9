/** RSA keys of fewer bits are never taken, whatever is set. */
export const RSA_BITS_FLOOR = 2_048

/** As hard to break as 128 bits are to guess (NIST SP 800-57, part 1, table 2): what is taken unless something else is set. */
export const RSA_BITS = 3_072
