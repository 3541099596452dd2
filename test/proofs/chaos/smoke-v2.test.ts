import { smoke } from "./smoke";

smoke("v2");
