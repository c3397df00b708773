// Passkeys and security keys: the browser asks for one, and its answer goes out in a form. Without scripts there are codes.

function decode(text) {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
}

function encode(buffer) {
  if (!buffer) return null;
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const known = (list) => list?.map((each) => ({ ...each, id: decode(each.id) }));

// A key that signs in alone keeps the account by itself, and asks who holds it.
const ALONE = { residentKey: "required", requireResidentKey: true, userVerification: "required" };

async function make({ publicKey }, isAlone) {
  const user = { ...publicKey.user, id: decode(publicKey.user.id) };
  const excludeCredentials = known(publicKey.excludeCredentials) ?? [];
  const options = { ...publicKey, challenge: decode(publicKey.challenge), user, excludeCredentials };
  if (isAlone) options.authenticatorSelection = { ...options.authenticatorSelection, ...ALONE };
  const key = await navigator.credentials.create({ publicKey: options });
  return answer(key, { attestationObject: encode(key.response.attestationObject) });
}

async function ask({ publicKey }) {
  const allowCredentials = known(publicKey.allowCredentials) ?? [];
  const options = { ...publicKey, challenge: decode(publicKey.challenge), allowCredentials };
  const key = await navigator.credentials.get({ publicKey: options });
  const { authenticatorData, signature, userHandle } = key.response;
  return answer(key, {
    authenticatorData: encode(authenticatorData),
    signature: encode(signature),
    userHandle: encode(userHandle),
  });
}

function answer(key, response) {
  const { id, type } = key;
  const clientDataJSON = encode(key.response.clientDataJSON);
  const clientExtensionResults = key.getClientExtensionResults();
  return { id, rawId: id, type, clientExtensionResults, response: { clientDataJSON, ...response } };
}

async function question(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const told = await fetch(form.dataset.begin, { method: "POST", body: new FormData(form) });
  if (!told.ok) throw new Error(told.status);
  return told.json();
}

for (const form of document.querySelectorAll("[data-key-form]")) {
  const refusal = form.querySelector("[data-key-refusal]");
  form.hidden = !window.PublicKeyCredential;
  form.querySelector("[data-key-button]").addEventListener("click", async () => {
    refusal.hidden = true;
    try {
      const { creation_options: creation, request_options: request } = await question(form);
      const found = await (creation ? make(creation, form.elements.passwordless?.checked) : ask(request));
      form.elements.credential.value = JSON.stringify(found);
      form.submit();
    } catch {
      refusal.hidden = false;
    }
  });
}
