// The page on which a reviewer gives an opinion: the viewer, the error in focus, and nothing lost when a session ends.

import { focusErrors } from "./forms.js";
import { startSession } from "./session.js";
import "./viewer.js";

startSession();
focusErrors();
