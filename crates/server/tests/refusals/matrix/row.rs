//! What a row of the authorization matrix says, and how it is written.

/// A permission: the action, and the resource it is asked for.
///
/// The resource is what comes after the account in an ARN of the operation's own service, unless it
/// begins with `acs:`. `{Name}` is the value of that parameter, of what was found on the way
/// (`{key}`, `{account}`) or, as `{caller}`, the name of the user who calls.
pub(super) type Need = (&'static str, &'static str);

/// A call that the account's root makes first.
pub(super) type Before = (&'static str, &'static [(&'static str, &'static str)]);

/// One operation: everything that decides who may call it, and what each kind of caller is answered.
pub(super) struct Row {
    /// As policies call it: `kms:Encrypt`.
    pub(super) name: &'static str,
    /// All permissions it asks for. None: anybody who is known may call it.
    pub(super) needs: &'static [Need],
    /// Others that do as well. Empty: none do.
    pub(super) or: &'static [Need],
    /// What whoever may is answered; empty is 200. The row says why it is anything else.
    pub(super) served: &'static str,
    /// Columns that are answered otherwise, and what.
    pub(super) but: &'static [(&'static str, &'static str)],
    /// What somebody of another account who may do everything there is answered, if it names things
    /// as the example does: by what they are called in its own account.
    pub(super) elsewhere: &'static str,
    /// What the same is answered about the key, the secret or the blob of the owner, by its ARN, if
    /// its policy lets that account do everything. `None`: it cannot be granted.
    pub(super) shared: Option<&'static str>,
    /// What there must be.
    pub(super) before: &'static [Before],
    /// Parameters that are not as in the example, or not in it.
    pub(super) with: &'static [(&'static str, &'static str)],
}

/// An operation of KMS.
pub(super) const fn row(name: &'static str, needs: &'static [Need]) -> Row {
    Row {
        name,
        needs,
        or: &[],
        served: "",
        but: &[],
        elsewhere: "",
        shared: None,
        before: &[],
        with: &[],
    }
}

impl Row {
    pub(super) const fn or(self, or: &'static [Need]) -> Self {
        Self { or, ..self }
    }

    pub(super) const fn served(self, served: &'static str) -> Self {
        Self { served, ..self }
    }

    pub(super) const fn but(self, but: &'static [(&'static str, &'static str)]) -> Self {
        Self { but, ..self }
    }

    pub(super) const fn elsewhere(self, elsewhere: &'static str) -> Self {
        Self { elsewhere, ..self }
    }

    pub(super) const fn shared(self, shared: &'static str) -> Self {
        Self { shared: Some(shared), ..self }
    }

    pub(super) const fn before(self, before: &'static [Before]) -> Self {
        Self { before, ..self }
    }

    pub(super) const fn with(self, with: &'static [(&'static str, &'static str)]) -> Self {
        Self { with, ..self }
    }
}
