use super::configuration::changed_fields;
use super::forms::RoleForm;
use super::rights::Permission;
use super::{AdminFault, AtIssuer, Result, rules};
use crate::account::Role;
use crate::audit::{Action, Event, Target, TargetKind};
use crate::store::Recorded;

const WHAT: &str = "role";

impl AtIssuer<'_> {
    /// Every role, in the order they were given.
    pub async fn list_roles(&self) -> Result<Vec<Recorded<Role>>> {
        self.require(Permission::ReadRoles)?;
        Ok(self.core().store.list_role_records(self.id()).await?)
    }

    pub async fn get_role(&self, name: &str) -> Result<Recorded<Role>> {
        self.require(Permission::ReadRoles)?;
        self.role(name).await
    }

    /// How many users have it.
    pub async fn count_users_of_role(&self, name: &str) -> Result<i64> {
        self.require(Permission::ReadRoles)?;
        let store = &self.core().store;
        Ok(store.count_users_of_role(self.id(), name).await?)
    }

    pub async fn create_role(&self, form: &RoleForm) -> Result<Recorded<Role>> {
        let role = self.checked_role(form).await?;
        let mut tx = self.write_as_checked().await?;
        if !tx.insert_role(self.id(), &role, None, false).await? {
            return Err(AdminFault::exists(WHAT, &role.name));
        }
        let event = Event::new(Action::RoleCreated, target(&role.name));
        self.finish(tx, event).await?;
        self.role(&role.name).await
    }

    /// A role keeps its name: users, and tokens' consents, know it by that.
    pub async fn update_role(
        &self,
        name: &str,
        revision: i64,
        form: &RoleForm,
    ) -> Result<Recorded<Role>> {
        let role = self.checked_role(form).await?;
        if role.name != name {
            return Err(AdminFault::Invalid(vec![super::Problem::new(
                "name",
                "a role keeps its name; make another one instead",
            )]));
        }
        let known = self.role(name).await?;
        let apis = self.core().store.list_apis(self.id()).await?;
        let mut tx = self.write_as_checked().await?;
        tx.update_role(self.id(), &role, None, known.is_declared, revision)
            .await?
            .ok_or_else(|| AdminFault::changed(WHAT, name))?;
        let event = changed_fields(
            Event::new(Action::RoleChanged, target(name)),
            &RoleForm::of(&known.value, &apis),
            &RoleForm::of(&role, &apis),
        );
        self.finish(tx, event).await?;
        self.role(name).await
    }

    /// # Errors
    /// `InUse` when users have it, unless `anyway`: then they lose it.
    pub async fn delete_role(&self, name: &str, revision: i64, anyway: bool) -> Result<()> {
        self.require(Permission::WriteRoles)?;
        self.not_the_consoles("the roles of administrators are fixed")?;
        self.role(name).await?;
        let users = self.core().store.count_users_of_role(self.id(), name);
        let users = users.await?;
        if users > 0 && !anyway {
            return Err(AdminFault::InUse {
                what: WHAT,
                name: name.to_owned(),
                by: format!("{users} users have it"),
            });
        }
        let mut tx = self.core().store.write().await?;
        if !tx.delete_role(self.id(), name, revision).await? {
            return Err(AdminFault::changed(WHAT, name));
        }
        let event = Event::new(Action::RoleDeleted, target(name)).with("users", users);
        self.finish(tx, event).await
    }

    /// What is to be changed, for somebody who may change it and perhaps not read the rest.
    pub async fn current_role(&self, name: &str) -> Result<Recorded<Role>> {
        self.require(Permission::WriteRoles)?;
        self.role(name).await
    }

    async fn role(&self, name: &str) -> Result<Recorded<Role>> {
        let roles = self.core().store.list_role_records(self.id()).await?;
        roles
            .into_iter()
            .find(|role| role.value.name == name)
            .ok_or_else(|| AdminFault::not_found(WHAT, name))
    }

    async fn checked_role(&self, form: &RoleForm) -> Result<Role> {
        self.require(Permission::WriteRoles)?;
        self.not_the_consoles("the roles of administrators are fixed")?;
        let apis = self.core().store.list_apis(self.id()).await?;
        AdminFault::unless(rules::role(form, &apis))?;
        Ok(form.to_role(&apis))
    }
}

fn target(name: &str) -> Target {
    Target::new(TargetKind::Role, name, "")
}
