//! Accounts are strictly apart: every operation, on another account's things, by every kind of
//! principal. Source: issue 5, part 3.

use yaoku_server::api::Product;

use crate::{
    all_operations,
    callers::{arns, by_name_alone},
    support::{ALLOW_ALL, Database, Party, World, client::Param, things::Things},
    with,
};

on_both!(no_principal_gets_at_another_accounts_things);

async fn no_principal_gets_at_another_accounts_things(database: Database) {
    let world = World::new(database).await;
    let (owner, stranger) = (world.account().await, world.account().await);
    let things = Things::of(&world, &owner).await;
    world.user(&owner, "alice", &[ALLOW_ALL]).await;
    // To be named by the others: it trusts its own account alone.
    world.session(&owner, "deploy", &[ALLOW_ALL], None).await;
    let principals = [
        ("root", stranger.clone()),
        ("user with everything", world.user(&stranger, "everything", &[ALLOW_ALL]).await),
        ("role session", world.session(&stranger, "role", &[ALLOW_ALL], None).await),
        ("user with nothing", world.user(&stranger, "nothing", &[]).await),
    ];
    let mut wrong = Vec::new();
    let before = of_owner(&world, &owner).await;
    for entry in all_operations() {
        let (name, kms) = (entry.spec.name, entry.spec.product == Product::Kms);
        let example = named_by_the_owner(&owner, &things.example(entry.spec));
        for (who, by) in &principals {
            let answer = world.call_of(by, entry.spec, &example).await;
            let nothing = *who == "user with nothing" && answer.status == 403;
            if kms && !nothing && !by_name_alone(name, &answer) {
                wrong.push(format!("{name} by {who}: {answer:?}"));
            }
            let told = answer.body.replace(&answer.message(), "");
            let told = if answer.status == 403 { String::new() } else { told };
            for leak in [owner.account.as_str(), &things.instance] {
                if told.contains(leak) {
                    wrong.push(format!("{name} tells {who} of {leak}: {answer:?}"));
                }
            }
            let arns = if kms { arns(&owner, &things, name, &example) } else { Vec::new() };
            for (param, arn) in arns {
                let answer = world.call_of(by, entry.spec, &with(&example, &param, &arn)).await;
                if (answer.status, &*answer.code()) != (403, "Forbidden.NoPermission") {
                    wrong.push(format!("{name} {param}={arn} by {who}: {answer:?}"));
                }
            }
        }
        let after = of_owner(&world, &owner).await;
        if after != before {
            wrong.push(format!("{name} has changed what is the owner's"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// What names an account in an example names the owner's.
fn named_by_the_owner(owner: &Party, example: &[Param]) -> Vec<Param> {
    let of_the_owner = |(name, value): &Param| {
        let value = match name.as_str() {
            "RoleArn" => format!("acs:ram::{}:role/deploy", owner.account),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    example.iter().map(of_the_owner).collect()
}

/// The rows that are the owner's: all there were before the others did anything, and any that say so.
pub(crate) async fn of_owner(world: &World, owner: &Party) -> Vec<String> {
    let state = world.state().await;
    let lines = state
        .into_iter()
        .flat_map(|(table, lines)| lines.into_iter().map(move |it| format!("{table} {it}")));
    lines.filter(|it| it.contains(owner.account.as_str())).collect()
}
