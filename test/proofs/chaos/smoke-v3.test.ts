import { smoke } from "./smoke";

smoke("v3");
