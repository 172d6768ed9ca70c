use uuid::Uuid;

use super::configuration::changed_fields;
use super::forms::ApiForm;
use super::rights::Permission;
use super::{AdminFault, AtIssuer, Result, rules};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::issuer::Api;
use crate::store::Recorded;

const WHAT: &str = "API";

impl AtIssuer<'_> {
    /// Every API, in the order they were given.
    pub async fn list_apis(&self) -> Result<Vec<Recorded<Api>>> {
        self.require(Permission::ReadApis)?;
        Ok(self.core().store.list_api_records(self.id()).await?)
    }

    pub async fn get_api(&self, id: Uuid) -> Result<Recorded<Api>> {
        let apis = self.list_apis().await?;
        apis.into_iter()
            .find(|api| api.value.id == id)
            .ok_or_else(|| AdminFault::not_found(WHAT, id.to_string()))
    }

    pub async fn create_api(&self, form: &ApiForm) -> Result<Recorded<Api>> {
        self.require(Permission::WriteApis)?;
        self.check_api(form, None).await?;
        let now = self.admin.now();
        let api = form.to_api(self.core().entropy.uuid_at(now));
        let mut tx = self.write_and_prepare().await?;
        if !tx.insert_api(self.id(), &api, None, false).await? {
            return Err(AdminFault::exists(WHAT, &api.audience));
        }
        let event = Event::new(Action::ApiCreated, target(&api));
        self.finish(tx, event).await?;
        self.api(api.id).await
    }

    pub async fn update_api(
        &self,
        id: Uuid,
        revision: i64,
        form: &ApiForm,
    ) -> Result<Recorded<Api>> {
        self.require(Permission::WriteApis)?;
        self.check_api(form, Some(id)).await?;
        let known = self.api(id).await?;
        let api = form.to_api(id);
        let mut tx = self.write_and_prepare().await?;
        tx.update_api(self.id(), &api, None, known.is_declared, revision)
            .await
            .map_err(|error| match error.is_taken() {
                true => AdminFault::exists(WHAT, &api.audience),
                false => error.into(),
            })?
            .ok_or_else(|| AdminFault::changed(WHAT, &known.value.audience))?;
        let event = changed_fields(
            Event::new(Action::ApiChanged, target(&api)),
            &ApiForm::from(&known.value),
            &ApiForm::from(&api),
        );
        self.finish(tx, event).await?;
        self.api(id).await
    }

    /// # Errors
    /// `InUse` when a client or role is granted something at it, unless `anyway`: then they lose
    /// it.
    pub async fn delete_api(&self, id: Uuid, revision: i64, anyway: bool) -> Result<()> {
        self.require(Permission::WriteApis)?;
        self.not_the_consoles("the APIs of administrators are fixed")?;
        let known = self.api(id).await?.value;
        if !anyway {
            let (clients, roles) = self.granted_at(id).await?;
            if !clients.is_empty() || !roles.is_empty() {
                return Err(AdminFault::InUse {
                    what: WHAT,
                    name: known.audience,
                    by: format!(
                        "clients [{}] and roles [{}] are granted something at it",
                        clients.join(", "),
                        roles.join(", ")
                    ),
                });
            }
        }
        let mut tx = self.write_and_prepare().await?;
        if !tx.delete_api(self.id(), id, revision).await? {
            return Err(AdminFault::changed(WHAT, known.audience));
        }
        let event = Event::new(Action::ApiDeleted, target(&known));
        self.finish(tx, event).await
    }

    /// The clients and roles that are granted something at the API, by name.
    pub async fn users_of_api(&self, id: Uuid) -> Result<(Vec<String>, Vec<String>)> {
        self.require(Permission::ReadApis)?;
        self.granted_at(id).await
    }

    async fn granted_at(&self, id: Uuid) -> Result<(Vec<String>, Vec<String>)> {
        let store = &self.core().store;
        Ok((
            store.clients_of_api(self.id(), id).await?,
            store.roles_of_api(self.id(), id).await?,
        ))
    }

    /// What is to be changed, for somebody who may change it and perhaps not read the rest.
    pub async fn current_api(&self, id: Uuid) -> Result<Recorded<Api>> {
        self.require(Permission::WriteApis)?;
        self.api(id).await
    }

    async fn api(&self, id: Uuid) -> Result<Recorded<Api>> {
        let apis = self.core().store.list_api_records(self.id()).await?;
        apis.into_iter()
            .find(|api| api.value.id == id)
            .ok_or_else(|| AdminFault::not_found(WHAT, id.to_string()))
    }

    /// `own` is the ID of the one that the form changes.
    async fn check_api(&self, form: &ApiForm, own: Option<Uuid>) -> Result<()> {
        self.not_the_consoles("the APIs of administrators are fixed")?;
        let apis = self.core().store.list_apis(self.id()).await?;
        let others: Vec<&Api> = apis.iter().filter(|api| Some(api.id) != own).collect();
        let around = rules::Surroundings {
            dialect: &self.dialect,
            algs: self.issuer.settings.algs(&self.dialect),
            apis: &apis,
        };
        AdminFault::unless(rules::api(form, &around, &others))
    }
}

fn target(api: &Api) -> Target {
    Target::new(TargetKind::Api, &api.audience, &api.name)
}
