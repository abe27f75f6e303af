//! What an account sets for all its users.

use yaoku_wire::error::Code;

use crate::testing::Kms;

#[tokio::test]
async fn an_alias_is_one_account_s() {
    let kms = Kms::new().await;
    let set = async |kms: &Kms, alias| {
        kms.ram("SetAccountAlias", [("AccountAlias", alias)]).await.map(drop)
    };
    for bad in ["Acme", "ac", "-acme", "a--b", "x23456789-123456789-123456789-123"] {
        assert_eq!(set(&kms, bad).await, Err(Code::AccountAliasFormat), "{bad}");
    }
    let stranger = kms.as_stranger().await;
    assert_eq!(set(&kms, "acme").await, Ok(()));
    assert_eq!(set(&stranger, "acme").await, Err(Code::AccountAliasExists));
    let alias = async |kms: &Kms| {
        let found = kms.ram("GetAccountAlias", []).await.unwrap();
        found.get("AccountAlias").unwrap().to_owned()
    };
    assert_eq!((alias(&kms).await, alias(&stranger).await), ("acme".to_owned(), String::new()));
    kms.ram("ClearAccountAlias", []).await.unwrap();
    kms.ram("ClearAccountAlias", []).await.unwrap();
    assert_eq!(set(&stranger, "acme").await, Ok(()));
}

#[tokio::test]
async fn a_password_policy_has_bounds_and_what_is_not_sent_stays() {
    let kms = Kms::new().await;
    for (name, value, expected) in [
        ("MinimumPasswordLength", "7", Code::MinimumPasswordLengthRange),
        ("MinimumPasswordLength", "33", Code::MinimumPasswordLengthRange),
        ("MaxPasswordAge", "1096", Code::InvalidParameter),
        ("PasswordReusePrevention", "25", Code::InvalidParameter),
        ("MaxLoginAttemps", "33", Code::InvalidParameter),
        ("RequireNumbers", "maybe", Code::InvalidParameter),
    ] {
        let reply = kms.ram("SetPasswordPolicy", [(name, value)]).await.err();
        assert_eq!(reply, Some(expected), "{name}={value}");
    }
    kms.ram("SetPasswordPolicy", [("MinimumPasswordLength", "12")]).await.unwrap();
    kms.ram("SetPasswordPolicy", [("MaxLoginAttemps", "3")]).await.unwrap();
    let found = kms.ram("GetPasswordPolicy", []).await.unwrap();
    assert_eq!(found.get("PasswordPolicy.MinimumPasswordLength"), Some("12"));
    assert_eq!(found.get("PasswordPolicy.MaxLoginAttemps"), Some("3"));
    assert_eq!(found.get("PasswordPolicy.RequireSymbols"), Some("true"));
}

#[tokio::test]
async fn a_preference_has_bounds_and_what_is_not_sent_stays() {
    let kms = Kms::new().await;
    for (name, value) in [
        ("LoginSessionDuration", "0"),
        ("LoginSessionDuration", "25"),
        ("LoginNetworkMasks", "everywhere"),
        ("EnableSaveMFATicket", "yes"),
    ] {
        let reply = kms.ram("SetSecurityPreference", [(name, value)]).await.err();
        assert_eq!(reply, Some(Code::InvalidParameter), "{name}={value}");
    }
    let networks = ("LoginNetworkMasks", "10.0.0.0/8;192.0.2.7");
    kms.ram("SetSecurityPreference", [networks, ("LoginSessionDuration", "8")]).await.unwrap();
    kms.ram("SetSecurityPreference", [("EnableSaveMFATicket", "true")]).await.unwrap();
    let found = kms.ram("GetSecurityPreference", []).await.unwrap();
    let login = found.fields("SecurityPreference.LoginProfilePreference").unwrap();
    assert_eq!(login.get("LoginNetworkMasks"), Some(networks.1));
    assert_eq!(login.get("LoginSessionDuration"), Some("8"));
    assert_eq!(login.get("EnableSaveMFATicket"), Some("true"));
    kms.ram("SetSecurityPreference", [("LoginNetworkMasks", "")]).await.unwrap();
    let found = kms.ram("GetSecurityPreference", []).await.unwrap();
    let login = found.fields("SecurityPreference.LoginProfilePreference").unwrap();
    assert_eq!(login.get("LoginNetworkMasks"), Some(""), "from anywhere again");
}

#[tokio::test]
async fn an_account_begins_with_users_who_make_no_access_keys() {
    let kms = Kms::new().await;
    let found = kms.ram("GetSecurityPreference", []).await.unwrap();
    for (path, value) in [
        ("AccessKeyPreference.AllowUserToManageAccessKeys", "false"),
        ("PublicKeyPreference.AllowUserToManagePublicKeys", "false"),
        ("MFAPreference.AllowUserToManageMFADevices", "true"),
        ("LoginProfilePreference.AllowUserToChangePassword", "true"),
        ("LoginProfilePreference.EnableSaveMFATicket", "false"),
        ("LoginProfilePreference.LoginSessionDuration", "6"),
        ("LoginProfilePreference.LoginNetworkMasks", ""),
    ] {
        assert_eq!(found.get(&format!("SecurityPreference.{path}")), Some(value), "{path}");
    }
}
