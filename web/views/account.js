// The API key of this tab; for administrators: tenants, keys, the audit log.
import { announce, field, h, choice, problemBox, table, timeText } from "../dom.js";
import * as api from "../api.js";

export const title = "Account";

export async function render() {
  const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", placeholder: "bpkey_…", value: api.key() }), result = h("div");
  const form = h("form", { class: "box", onsubmit: async (event) => {
    event.preventDefault();
    api.setKey(input.value.trim());
    try {
      if (api.key()) await api.get("/ml/models?limit=1");
      announce(api.key() ? "The key works" : "The key is forgotten");
      dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      result.replaceChildren(problemBox(error));
    }
  } }, field("API key", input, "Kept in this tab until it is closed, and sent to this server alone."), h("button", {}, "Use this key"), result);
  return [h("h1", {}, "Account"), h("p", { class: "lead" }, "An API key says who you are. Secret keys of encryption are something else: they are made in this page, and the server refuses them."), form, await administration()];
}

async function administration() {
  if (!api.key()) return [];
  let tenants, keys, log;
  try {
    [tenants, keys, log] = await Promise.all([api.all("/admin/tenants"), api.all("/admin/keys"), api.get("/admin/audit?limit=50")]);
  } catch (error) {
    return error.status === 403 || error.status === 401 ? [] : [problemBox(error)];
  }
  const label = h("input", { type: "text" }), days = h("input", { type: "number", min: "1", max: "3650", placeholder: "never" }), result = h("div");
  const tenant = h("select", {}, tenants.map((each) => h("option", { value: each.id }, each.name)));
  const scopes = [["read", "list, download, verify"], ["infer", "ask models"], ["models", "upload and offer models"], ["admin", "manage keys and tenants"]];
  const name = h("input", { type: "text", required: true }), tenantResult = h("div");
  const reload = () => dispatchEvent(new HashChangeEvent("hashchange"));
  return [h("h2", {}, "API keys"),
    table(["Label", "Scopes", "Made", "Expires", ""], keys.map((each) => [each.label || each.id, (each.scopes ?? []).join(", "), timeText(each.created_ms), timeText(each.expires_ms) || "never",
      each.revoked_ms ? "revoked" : h("button", { class: "quiet", onclick: async (event) => {
        try { await api.remove(`/admin/keys/${each.id}?tenant=${each.tenant ?? ""}`); reload(); } catch (error) { event.target.replaceWith(problemBox(error)); }
      } }, "Revoke")])),
    h("h2", {}, "New key"), h("form", { class: "box", onsubmit: async (event) => {
      event.preventDefault();
      try {
        const body = { label: label.value, tenant: tenant.value, scopes: new FormData(event.target).getAll("scope") };
        if (days.value) body.expires_in_s = 86400 * Number(days.value);
        const made = await api.post("/admin/keys", body);
        result.replaceChildren(h("div", { class: "box note" }, h("p", {}, "Shown this once:"), h("code", {}, made.key ?? made.text)));
      } catch (error) {
        result.replaceChildren(problemBox(error));
      }
    } }, field("Label", label), field("Tenant", tenant), h("fieldset", {}, h("legend", {}, "Scopes"), scopes.map(([value, what], i) => choice("checkbox", "scope", value, value, what, { checked: i < 2 }))),
      field("Days until it expires", days), h("button", {}, "Make a key"), result),
    h("h2", {}, "New tenant"), h("form", { class: "box", onsubmit: async (event) => {
      event.preventDefault();
      try { await api.post("/admin/tenants", { name: name.value.trim() }); reload(); } catch (error) { tenantResult.replaceChildren(problemBox(error)); }
    } }, field("Name", name), h("button", {}, "Make a tenant"), tenantResult),
    h("h2", {}, "Audit log"), h("p", { class: "soft small" }, "Its first entries; each is chained to the one before by a hash. “blindproof admin audit” reads and verifies all of it."),
    table(["#", "When", "Who", "What", "Object"], log.items.map((entry) => [String(entry.sequence), timeText(entry.at_ms), entry.actor, entry.action, entry.object]), [0])];
}
