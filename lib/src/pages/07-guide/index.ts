export { answersTo, type EndedPoll, endOfAPoll, type PollEnd, requestsOn } from "./v2";
export {
	askedWith,
	leaseAcrossAnElection,
	messagesUpTo,
	type OwnV3,
	onOwnV3,
	progressAskedAtOnce,
	renewedThroughAPause,
	toldBesideMinusOne,
	type Users,
	withUsers,
	wordsOf,
} from "./v3";
