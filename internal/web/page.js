// The page: a list of people with their presence, for one token.
const form = document.querySelector('form');
const people = document.getElementById('people');
const problem = document.getElementById('problem');

document.querySelectorAll('.home').forEach((e) => { e.textContent = new URL('.', location.href).href; });

form.addEventListener('submit', (e) => {
  e.preventDefault();
  const { token, users } = Object.fromEntries(new FormData(form));
  problem.textContent = '';
  people.replaceChildren(...[...new Set(users.split(/[\s,;]+/).filter(Boolean))].map((name) => {
    const row = document.createElement('li');
    const badge = document.createElement('presence-badge');
    badge.setAttribute('user', name);
    badge.setAttribute('token', token.trim());
    badge.setAttribute('label', name);
    row.append(badge, ' ', name);
    return row;
  }));
});

people.addEventListener('presence-error', (e) => { problem.textContent = e.detail; });
people.addEventListener('presence', () => { problem.textContent = ''; });
