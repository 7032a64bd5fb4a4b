// Who draws is told of every change.

/** @type {Array<() => void>} */
const watchers = [];
let due = false;

/** @param {() => void} watcher is told after every change, once for all that change together */
export function watch(watcher) {
  watchers.push(watcher);
}

export function changed() {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    for (const watcher of watchers) watcher();
  });
}
