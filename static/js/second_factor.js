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

async function make({ publicKey }) {
  const user = { ...publicKey.user, id: decode(publicKey.user.id) };
  const excludeCredentials = known(publicKey.excludeCredentials) ?? [];
  const options = { ...publicKey, challenge: decode(publicKey.challenge), user, excludeCredentials };
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

for (const form of document.querySelectorAll("[data-key-form]")) {
  const refusal = form.querySelector("[data-key-refusal]");
  form.hidden = !window.PublicKeyCredential;
  form.querySelector("[data-key-button]").addEventListener("click", async () => {
    refusal.hidden = true;
    try {
      const options = JSON.parse(form.dataset.options);
      const found = await (options.creation_options ? make(options.creation_options) : ask(options.request_options));
      form.elements.credential.value = JSON.stringify(found);
      form.submit();
    } catch {
      refusal.hidden = false;
    }
  });
}
