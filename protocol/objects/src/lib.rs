//! Objects of the ONE network: recipes, microdata, hashes, typed objects, signatures.
