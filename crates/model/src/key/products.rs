//! The products that have a key of their own in each account, made when it is first asked for.

use crate::ids::AliasName;

/// What an alias of a product's key starts with. Source: keys.md §3.1.
const PREFIX: &str = "alias/acs/";

/// The products by their codes, as `alias/acs/<product>` names them. Source: keys.md §3.1; the list
/// is our choice: products that encrypt what they keep.
const PRODUCTS: &[&str] = &[
    "acr",
    "actiontrail",
    "adb",
    "alikafka",
    "clickhouse",
    "cr",
    "cs",
    "dbs",
    "dds",
    "ebs",
    "ecs",
    "elasticsearch",
    "fc",
    "gpdb",
    "hbase",
    "hbr",
    "kvstore",
    "lindorm",
    "log",
    "mongodb",
    "mse",
    "nas",
    "oceanbase",
    "odps",
    "oos",
    "oss",
    "ots",
    "pai",
    "polardb",
    "ram",
    "rds",
    "redis",
    "rocketmq",
    "secretsmanager",
    "sls",
    "tablestore",
    "vod",
];

impl AliasName {
    /// The product whose key it names; `None` if it is not that of a product that is known.
    #[must_use]
    pub fn product(&self) -> Option<&'static str> {
        let code = self.as_str().strip_prefix(PREFIX)?;
        PRODUCTS.binary_search(&code).ok().map(|at| PRODUCTS[at])
    }
}

#[cfg(test)]
mod tests {
    use super::PRODUCTS;
    use crate::ids::AliasName;

    #[test]
    fn only_a_known_product_has_a_key_of_its_own() {
        for (name, expected) in [
            ("alias/acs/mse", Some("mse")),
            ("alias/acs/secretsmanager", Some("secretsmanager")),
            ("alias/acs/MSE", None),
            ("alias/acs/unheard-of", None),
            ("alias/acs/mse/more", None),
            ("alias/acs/", None),
            ("alias/mse", None),
        ] {
            assert_eq!(name.parse::<AliasName>().unwrap().product(), expected, "{name}");
        }
        assert!(PRODUCTS.is_sorted(), "they are looked up by halves");
    }
}
