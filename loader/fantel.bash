# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Completion for bash. Commands and options are what `fantel --help` and `fantel COMMAND --help` say,
# so there is nothing to keep in step here.

_fantel()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	local fantel=${COMP_WORDS[0]} command=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "$("$fantel" --help 2>/dev/null |
			sed -n 's/^  \([a-z]\+\) .*/\1/p')" -- "$word"))
	elif [[ $before == --node ]]; then
		COMPREPLY=($(compgen -W "$(ls "${FANTEL_PIN_ROOT:-/sys/fs/bpf/fantel}" 2>/dev/null |
			tr : .)" -- "$word"))
	elif [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$("$fantel" "$command" --help 2>/dev/null |
			grep -oE -- '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,')" -- "$word"))
	elif [[ $command == policy && $COMP_CWORD == 2 ]]; then
		COMPREPLY=($(compgen -W 'check show apply confirm' -- "$word"))
	else
		COMPREPLY=($(compgen -f -- "$word"))
	fi
}
complete -o filenames -F _fantel fantel
