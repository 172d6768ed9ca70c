//! Every page of the console, one after the other, with something on it.

use super::Console;
use crate::browser::scene::Scene;
use crate::support::browser::Browser;
use crate::support::http::Peer;
use crate::support::user::{App, Person};

/// People and applications at work, so that there is something to look at.
async fn live(scene: &Scene) {
    let peer = Peer::at(scene.locum.url());
    for username in ["doctor", "receptionist"] {
        let mut person = Person::new(peer, username);
        App::clinic_web()
            .tokens(&mut person, &[("scope", "openid profile patients:read")])
            .await;
    }
    let mut person = Person::new(peer, "doctor");
    let scope = ("scope", "openid patients:read patients:write");
    App::clinic_spa().tokens(&mut person, &[scope]).await;
    let mut stranger = Person::new(peer, "doctor");
    stranger.password = "a guess".to_owned();
    let page = stranger.visit("/clinic/sign-in").await;
    stranger.submit_sign_in(&page).await.is(401);
    for _ in 0..3 {
        crate::support::servers::Vendor::of("clinic")
            .token(&peer)
            .await;
        crate::support::servers::Vendor::of("photon")
            .token(&peer)
            .await;
    }
}

/// Clients, APIs, roles and users, as an owner. Calls `look` at each page.
pub async fn registers(browser: &Browser, scene: &Scene, look: &mut impl AsyncFnMut(&str)) {
    live(scene).await;
    let console = Console::enter(browser, scene, "admin").await;
    clients(&console, look).await;
    apis_and_roles(&console, look).await;
    people(&console, look).await;
}

/// All that is left of the console, likewise.
pub async fn everywhere_else(browser: &Browser, scene: &Scene, look: &mut impl AsyncFnMut(&str)) {
    live(scene).await;
    browser.open(&scene.url("console", "")).await;
    browser.find("#sign-in").await;
    look("console-sign-in").await;
    browser
        .open(&scene.url("console", "/set-up?token=old"))
        .await;
    look("console-set-up-closed").await;
    let console = Console::enter(browser, scene, "admin").await;
    tools(&console, look).await;
    of_the_server(&console, look).await;
    empty(&console, look).await;
    refusals(&console, look).await;
}

async fn clients(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    console.open_at("clinic", "/clients").await;
    look("console-clients").await;
    console
        .open_at("clinic", "/clients?q=nothing+like+it")
        .await;
    look("console-clients-none-found").await;
    console.follow("Show all clients").await;
    console.follow("Register a client").await;
    look("console-client-kinds").await;
    for kind in ["web", "spa", "native", "machine"] {
        console
            .open_at("clinic", &format!("/new-client?kind={kind}"))
            .await;
        look(&format!("console-client-new-{kind}")).await;
    }
    console.open_at("clinic", "/new-client?kind=web").await;
    console.submit().await;
    console.browser.find("[role=alert]").await;
    look("console-client-wrong").await;
    console
        .fill("#client_name", "Appointments 🩺 <b>עברית</b>")
        .await;
    console
        .fill("#redirect_uris", "https://appointments.example/callback")
        .await;
    console.submit().await;
    console.browser.find("#client-secret").await;
    look("console-client-registered").await;
    console.follow("I have copied it").await;
    look("console-client-new").await;
    console.open_at("clinic", "/new-client?kind=spa").await;
    console.fill("#client_name", "Patient portal").await;
    console
        .fill("#redirect_uris", "https://portal.example/callback")
        .await;
    console.submit().await;
    console.follow("To the client").await;

    console.open_at("clinic", "/registration").await;
    look("console-registration-closed").await;
    console.open_at("clinic", "/settings").await;
    console.click("#registration-guarded").await;
    console.submit().await;
    console.open_at("clinic", "/registration").await;
    console.press("Make a token").await;
    look("console-registration-wrong").await;
    console
        .fill("#note", "The people of Example Scheduling")
        .await;
    console.press("Make a token").await;
    console.browser.find("#initial-access-token").await;
    look("console-registration-made").await;
    console.open_at("clinic", "/registration").await;
    look("console-registration").await;
    console.follow("Remove…").await;
    look("console-registration-remove").await;

    console.open_at("clinic", "/clients/clinic-web").await;
    look("console-client-web").await;
    console.open_at("photon", "/clients/photon-m2m").await;
    look("console-client-machine").await;
    console.follow("Edit").await;
    look("console-client-edit").await;
    console.open_at("clinic", "/clients/clinic-web/edit").await;
    for part in console
        .browser
        .all("details:not([open]).card > summary")
        .await
    {
        part.click().await.unwrap();
    }
    look("console-client-edit-all").await;
    console.open_at("photon", "/clients/photon-m2m").await;
    console.follow("New secret").await;
    look("console-secret-rotate").await;
    console.submit().await;
    console.browser.find("#client-secret").await;
    look("console-secret-rotated").await;
    console.follow("I have copied it").await;
    look("console-client-two-secrets").await;
    console.follow("Stop it now").await;
    look("console-secret-remove").await;
    console
        .open_at("clinic", "/clients/clinic-web/disable")
        .await;
    look("console-client-disable").await;
    console.confirm().await;
    look("console-client-disabled").await;
    console.press("Enable").await;
    console
        .open_at("clinic", "/clients/clinic-web/delete")
        .await;
    look("console-client-delete").await;
}

async fn apis_and_roles(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    console.open_at("clinic", "/apis").await;
    look("console-apis").await;
    console.follow("Clinic API").await;
    look("console-api").await;
    console.follow("Edit").await;
    look("console-api-edit").await;
    console.fill("#scope-0-name", "with space").await;
    console.fill("#audience", "").await;
    console.submit().await;
    look("console-api-wrong").await;
    console.open_at("clinic", "/apis").await;
    console.follow("Clinic API").await;
    console.follow("Delete…").await;
    look("console-api-delete").await;
    console.open_at("clinic", "/new-api").await;
    look("console-api-new").await;

    console.open_at("clinic", "/roles").await;
    look("console-roles").await;
    console.follow("doctor").await;
    look("console-role").await;
    console.follow("Edit").await;
    look("console-role-edit").await;
    console.open_at("clinic", "/roles/doctor/delete").await;
    look("console-role-delete").await;
    console.open_at("clinic", "/new-role").await;
    look("console-role-new").await;
}

async fn people(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    console.open_at("clinic", "/new-user").await;
    look("console-user-new").await;
    console.fill("#email", "nobody").await;
    console.submit().await;
    look("console-user-wrong").await;
    console.fill("#username", "عائشة").await;
    console.fill("#name", "عائشة <i>بنت</i> أحمد 🦷").await;
    console.fill("#email", "aisha@clinic.example").await;
    console.submit().await;
    console.browser.find("#one-time-link").await;
    look("console-user-link").await;
    console.follow("I have copied it").await;
    look("console-user-invited").await;
    console.follow("Block…").await;
    look("console-user-block").await;
    console.confirm().await;
    look("console-user-blocked").await;
    console.open_at("clinic", "/users").await;
    look("console-users").await;
    console.follow("Dr. Dolores Doctor").await;
    look("console-user").await;
    console.follow("Edit").await;
    look("console-user-edit").await;
    console.browser.back().await;
    console.follow("Delete…").await;
    look("console-user-delete").await;
    console.follow("Cancel").await;
    console.follow("Withdraw…").await;
    look("console-consent-withdraw").await;
    console.follow("Cancel").await;
    console.follow("Sign out everywhere…").await;
    look("console-sessions-end").await;
    console.open_at("clinic", "/sessions").await;
    look("console-sessions").await;
    console.follow("End…").await;
    look("console-session-end").await;
}

async fn tools(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    let browser = console.browser;
    console.open_at("clinic", "/keys").await;
    look("console-keys").await;
    console.open_at("clinic", "/rotate-keys?alg=RS256").await;
    look("console-keys-rotate").await;
    console.confirm().await;
    browser.find("a[href$='/delete']").await;
    look("console-keys-rotated").await;
    browser.click("main a[href$='/delete']").await;
    look("console-key-delete").await;

    console.open_at("clinic", "/audit").await;
    look("console-audit").await;
    browser.click(".row-more summary").await;
    look("console-audit-open").await;
    console.open_at("clinic", "/audit?outcome=failed").await;
    look("console-audit-found").await;
    console.open_at("clinic", "/settings").await;
    look("console-settings").await;
    console.fill("#brand_color", "green").await;
    console.fill("#audit_retention_days", "some").await;
    console.submit().await;
    look("console-settings-wrong").await;
    for issuer in ["photon", "nethealth", "clinic"] {
        console.open_at(issuer, "/dialect").await;
        look(&format!("console-dialect-{issuer}")).await;
    }
    console.open_at("clinic", "/inspector").await;
    look("console-inspector").await;
    let clinic = crate::support::servers::Vendor::of("clinic");
    let token = clinic.token(&Peer::at(console.scene.locum.url())).await;
    for (page, token) in [
        ("good", token.clone()),
        ("bad", token.replacen("ey", "fy", 1)),
    ] {
        console.fill("#token", &token).await;
        console.press("Inspect").await;
        browser.find(".verdicts").await;
        look(&format!("console-inspector-{page}")).await;
    }
    console.open_at("clinic", "/try-it").await;
    look("console-try-it").await;
    browser
        .click("#client_id option[value=clinic-machine]")
        .await;
    console
        .fill("#client_secret", "clinic-machine-secret")
        .await;
    console.submit().await;
    browser.find(".exchanges").await;
    look("console-try-it-token").await;
    for range in ["day", "week"] {
        console.open_at("clinic", &format!("?range={range}")).await;
        look(&format!("console-overview-{range}")).await;
    }
    console.open_at("clinic", "/delete").await;
    look("console-issuer-delete").await;
}

async fn of_the_server(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    console.open("/issuers").await;
    look("console-issuers").await;
    console.open("/new-issuer").await;
    look("console-issuer-new").await;
    console.fill("#name", "Not a Name").await;
    console.submit().await;
    look("console-issuer-wrong").await;
    console.open("/administrators").await;
    look("console-administrators").await;
    console.follow("Add an administrator").await;
    look("console-administrator-new").await;
    console.submit().await;
    look("console-administrator-wrong").await;
    console.fill("#username", "maya").await;
    console.fill("#name", "Maya Manager").await;
    console.click("#reach-some").await;
    console.click("#issuer-0").await;
    console.submit().await;
    console.browser.find("#one-time-link").await;
    look("console-administrator-link").await;
    console.follow("I have copied it").await;
    look("console-administrators-more").await;
    console.browser.click("main a[href$='/delete']").await;
    look("console-administrator-remove").await;
    console.open("/administrators/audit").await;
    look("console-administrators-audit").await;
    console.open("/audit").await;
    look("console-server-audit").await;
}

/// What an issuer looks like on its first day.
async fn empty(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    console.open("/new-issuer").await;
    console.fill("#name", "sunset").await;
    console.fill("#brand", "Sunset Dental").await;
    console.submit().await;
    console.browser.find(".done").await;
    look("console-empty-overview").await;
    for page in [
        "clients",
        "apis",
        "users",
        "roles",
        "sessions",
        "keys",
        "audit",
        "try-it",
        "new-client?kind=machine",
    ] {
        console.open_at("sunset", &format!("/{page}")).await;
        look(&format!(
            "console-empty-{}",
            page.split('?').next().unwrap()
        ))
        .await;
    }
}

async fn refusals(console: &Console<'_>, look: &mut impl AsyncFnMut(&str)) {
    let browser = console.browser;
    console.open("/nowhere").await;
    look("console-not-found").await;
    console.open_at("clinic", "/users").await;
    console.follow("Dr. Dolores Doctor").await;
    console.follow("Edit").await;
    let edit = browser.is_at("/edit").await;
    browser
        .in_another_tab(async || {
            browser.open(edit.as_str()).await;
            console.fill("#email", "dolores@new.example").await;
            console.submit().await;
            browser.find(".done").await;
        })
        .await;
    console.fill("#name", "Dr. Dolores D. Doctor").await;
    console.submit().await;
    look("console-conflict").await;
    console.leave().await;
    let console = Console::enter(browser, console.scene, "auditor").await;
    console.open_at("clinic", "/new-client?kind=web").await;
    look("console-forbidden").await;
    console.open_at("clinic", "/settings").await;
    look("console-settings-auditor").await;
    console.open_at("clinic", "/clients/clinic-web").await;
    look("console-client-auditor").await;
}
